/** The protocols that can be run and replayed: all of them, which is a second of loading; see `load.ts`. */
import type { Programs } from '../program.ts'
import { programs as homomorphic } from './homomorphic.ts'
import { programs as mpc } from './mpc.ts'
import { programs as psi } from './psi.ts'
import { programs as query } from './query.ts'
import { programs as statistics } from './statistics.ts'

export const programs: Programs = { ...query, ...psi, ...mpc, ...statistics, ...homomorphic }
