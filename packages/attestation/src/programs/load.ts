/** The protocols that can be run and replayed, as far as a job needs them: the text of the others is not loaded. */
import type { Programs } from '../program.ts'

const families: Readonly<Record<string, () => Promise<{ readonly programs: Programs }>>> = {
  homomorphic: () => import('./homomorphic.ts'),
  mpc: () => import('./mpc.ts'),
  psi: () => import('./psi.ts'),
  query: () => import('./query.ts'),
  statistics: () => import('./statistics.ts'),
}

/** All protocols of the family that an id begins with (`psi/…`), by id; none for a family that is not known. */
export const programsLike = async (id: string): Promise<Programs> => {
  const [family] = id.split('/') as [string]
  return Object.hasOwn(families, family) ? (await families[family]!()).programs : {}
}
