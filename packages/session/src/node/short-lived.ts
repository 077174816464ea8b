/**
 * Memory outside the heap, given back early. What a link receives is garbage soon after: one buffer for each read of an
 * accepted socket, one for each body. V8 counts them and answers with collections of the whole heap, 60 to 100 a GiB, at
 * 25 to 50 ms of processor time each; a collection of the young generation lets go of the same buffers in under 1 ms.
 * So one is asked for after so many bytes. The buffers then come back while they are still in the cache, too.
 */
import v8 from 'node:v8'
import vm from 'node:vm'

/** Asked for after so many bytes of buffers: few enough to stay far below what makes V8 collect everything (64 MiB). */
const everyBytes = 8 * 1024 * 1024

type Collect = (options: { readonly type: 'minor' }) => void

/** What `--expose-gc` brings, taken once; nothing of it is left for others to see. */
const findCollect = (): Collect => {
  v8.setFlagsFromString('--expose-gc')
  try {
    const found: unknown = vm.runInNewContext('typeof gc === "function" ? gc : undefined')
    return typeof found === 'function' ? (found as Collect) : () => {}
  } finally {
    v8.setFlagsFromString('--no-expose-gc')
  }
}

let collect: Collect | undefined
let since = 0

/** So many bytes of buffers outside the heap were made that will be garbage soon. */
export const madeShortLived = (bytes: number): void => {
  since += bytes
  if (since < everyBytes) return
  since = 0
  collect ??= findCollect()
  collect({ type: 'minor' })
}
