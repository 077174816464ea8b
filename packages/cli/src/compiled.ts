/** Compiled code of `tally`, kept between processes: beside this package, not in a folder that others may write to. */
import { fileURLToPath } from 'node:url'

export const compiledFolder = fileURLToPath(new URL('../node_modules/.cache/tally', import.meta.url))

/**
 * For a process that starts `tally`: named in the environment, the folder is known before the first line is read, and the
 * compiler of TypeScript, which that line would need, is not loaded at all.
 */
export const compiledEnvironment = { NODE_COMPILE_CACHE: compiledFolder }
