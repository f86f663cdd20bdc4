import { describeManifest } from '../core/testing/manifest-suite.ts';
import { adapters } from './index.ts';

describeManifest('adapters', import.meta.dirname, adapters, ['adapter']);
