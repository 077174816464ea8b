/**
 * What `tally` sets before anything else (packages/cli/src/main.ts): vectors are typed arrays, whose memory V8 counts
 * apart from its heap; by default it marks the whole heap for every 64 MiB of them.
 */
export const tallyFlags = ['--external-memory-accounted-in-global-limit', '--no-incremental-marking']
