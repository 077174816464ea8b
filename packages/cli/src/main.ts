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
process.exitCode = await runTally(process.argv.slice(2))
