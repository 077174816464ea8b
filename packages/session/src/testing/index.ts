export * from './link-compliance.ts'
