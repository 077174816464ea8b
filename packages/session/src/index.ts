export * from './journal.ts'
export * from './link.ts'
