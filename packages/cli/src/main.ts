#!/usr/bin/env node
/**
 * The `tally` command. Keeps compiled code, which halves the time to start, then does what was asked.
 *
 * Collection. Rows, vectors and messages are typed arrays, whose memory V8 counts apart from its heap: for every 64 MiB of
 * it all of the heap is marked, beside the work and again and again. Counted as a part of the heap, and marked in one go
 * when it is full, it costs a third to two thirds less processor time, and up to twice the memory (docs/benchmarks.md).
 */
import { enableCompileCache } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { compiledFolder } from './compiled.ts'

for (const flag of ['--external-memory-accounted-in-global-limit', '--no-incremental-marking']) setFlagsFromString(flag)

enableCompileCache(compiledFolder)
// A reader that has seen enough (`| head`) closes the pipe; what runs here goes on, unheard.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}
const { endWithParent } = await import('./interrupt.ts')
endWithParent()
const { runTally } = await import('./tally.ts')
const code = await runTally(process.argv.slice(2))
process.exitCode = code
// What failed has been told; a connection or a worker that is still open must not keep the process.
if (code !== 0) process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
