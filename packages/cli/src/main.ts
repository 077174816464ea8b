#!/usr/bin/env node
/**
 * The `tally` command. Keeps compiled code beside this package (not in a folder that others may write to), which halves
 * the time to start, then does what was asked.
 */
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/tally', import.meta.url)))
const { endWithParent } = await import('./interrupt.ts')
endWithParent()
const { runTally } = await import('./tally.ts')
const code = await runTally(process.argv.slice(2))
process.exitCode = code
// What failed has been told; a connection or a worker that is still open must not keep the process.
if (code !== 0) process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
