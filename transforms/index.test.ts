import { describeManifest } from '../core/testing/manifest-suite.ts';
import { transforms } from './index.ts';

describeManifest('transforms', import.meta.dirname, transforms, ['transform', 'filter']);
