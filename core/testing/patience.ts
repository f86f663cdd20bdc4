import { vi } from 'vitest';

/** Loaded before each test file. What a test waits for may take this long; one second, Vitest's own, a busy machine takes easily. */
const patienceMs = 30_000;

const { waitFor } = vi;
vi.waitFor = (callback, options = {}) =>
  waitFor(callback, { timeout: patienceMs, ...(typeof options === 'number' ? { timeout: options } : options) });
