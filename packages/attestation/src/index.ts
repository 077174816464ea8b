export * from './dataset.ts'
export { portableSha256, type Sha256 } from './merkle.ts'
