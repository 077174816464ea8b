/** What commits to rows, for those who load no other kernel. */
export { leafPrefix } from './reference.ts'
export { tileRows, tiles as merkleTiles, type TilesInput } from './kernels.ts'
