/** Private set intersection. One folder a protocol, named by construction. */
export { defaultChunkRows, ecdh, maxChunkRows, maxRows } from './ecdh/index.ts'
export type { Items, Outcome, Parameters, Role } from './ecdh/index.ts'
