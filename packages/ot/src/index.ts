/** Oblivious transfer and vector oblivious linear evaluation: building blocks of the set and share protocols. */
export type * from './interface.ts'
