export * from './code.ts'
export * from './disclosure-log.ts'
export * from './files.ts'
