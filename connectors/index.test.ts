import { describeManifest } from '../core/testing/manifest-suite.ts';
import { connectors } from './index.ts';

describeManifest('connectors', import.meta.dirname, connectors, ['connector']);
