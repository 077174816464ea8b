export { fused } from './field.generated'
export { BLOCK, POINTS, SCALAR, init, isBad, multiply, read, wipe, write } from './curve'
