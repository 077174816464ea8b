/**
 * What the holder and the asker of `psi/ra18` do outside of a session: preparing a list, its filter and updates, and
 * looking tags up. Plain functions over bytes; files are the caller's.
 */
export {
  applyUpdate,
  changeList,
  commonRows,
  decodeList,
  decodeUpdate,
  encodeList,
  encodeUpdate,
  filterDigest,
  listRows,
  prepareList,
  type Change,
  type PreparedList,
  type Update,
} from './ra18/list.ts'
export { tagBytes, type ListTerms } from './ra18/messages.ts'
export { groupTag, tagsOf } from './ra18/suite.ts'
export { generator, scalarCoins, scalarsFromCoins } from '@tallystick/kernels/oprf/scalars'
