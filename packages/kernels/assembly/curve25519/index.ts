export { fused } from './field'
export { BLOCK, POINTS, SCALAR, SCALARS, UNIFORM, init, ladder, ladderEach, mapRows, normalise, read, wipeCurve, write } from './curve'
export { MESSAGES, MESSAGES_BYTES, OFFSETS, TAG, absorb, begin, expandRows, finish, setTag, wipeExpand } from './expand'
