export * from './tls.ts'
export * from './identity.ts'
export * from './disk-journal.ts'
export { currentBoot, defaultGenerations } from './generation.ts'
