/**
 * Products of encrypted matrices (Jiang, Kim, Lauter, Song, ia.cr/2018/1041, section 3): in d × d places, row by row,
 *
 *     A·B = Σ_k φ^k(σ(A)) ⊙ ψ^k(τ(B)),   σ(A)_ij = A_i,i+j   τ(B)_ij = B_i+j,j   φ(A)_ij = A_i,j+1   ψ(B)_ij = B_i+1,j
 *
 * with indices modulo d. σ and τ have 2d diagonals each and are computed once, φ^k and ψ^k two: 4d rotations and d products of
 * ciphertexts, which are relinearised together. Smaller matrices stand in the corner of d × d places, d their largest dimension.
 */
import { TallyError } from '@tallystick/core'
import { refuse, type Graph, type Node, type Transform } from './graph.ts'

/** σ and τ have 2d diagonals of d² places, and each φ^k and ψ^k rotation keys of its own. */
const mostDimension = 64

type Place = readonly [row: number, column: number]

/** d × d places whose entry at (i, j) is what `from` names in a matrix of `rows` × `columns`; zero beyond it. */
const transformOf = (
  name: string,
  d: number,
  [rows, columns]: Place,
  from: (i: number, j: number) => Place,
): Transform => {
  const entries: (readonly [number, number, number])[] = []
  for (let to = 0; to < d * d; to++) {
    const [i, j] = from(Math.floor(to / d), to % d)
    if (i < rows && j < columns) entries.push([to, i * columns + j, 1])
  }
  return { key: `${name} of ${rows}/${columns} in ${d}`, length: d * d, entries }
}

/** @throws TallyError terms/malformed for other lengths, terms/unsupported beyond 64 */
export const productOf = (graph: Graph, a: Node, b: Node, dimensions: readonly number[]): Node => {
  const [rows = 0, inner = 0, columns = 0] = dimensions
  const whole = dimensions.length === 3 && dimensions.every((n) => Number.isSafeInteger(n) && n >= 1)
  if (!whole || a.length !== rows * inner || b.length !== inner * columns) {
    const message = 'program: expected of a product of matrices [rows, inner, columns], and as many places in each'
    throw new TallyError('terms/malformed', 'self', message)
  }
  const d = Math.max(rows, inner, columns)
  if (d > mostDimension) {
    throw refuse(
      `expected matrices of at most ${mostDimension} rows and columns, found ${d}`,
      'multiply blocks of them, or declare one of the matrices as plain numbers',
    )
  }
  const wrap = (x: number): number => x % d
  const left = graph.linear(
    a,
    transformOf('sigma', d, [rows, inner], (i, j) => [i, wrap(i + j)]),
  )
  const right = graph.linear(
    b,
    transformOf('tau', d, [inner, columns], (i, j) => [wrap(i + j), j]),
  )
  const terms = Array.from({ length: d }, (_, k) => {
    if (k === 0) return graph.multiply(left, right)
    const phi = transformOf(`phi ${k}`, d, [d, d], (i, j) => [i, wrap(j + k)])
    const psi = transformOf(`psi ${k}`, d, [d, d], (i, j) => [wrap(i + k), j])
    return graph.multiply(graph.linear(left, phi), graph.linear(right, psi))
  })
  const corners = [a.least, a.greatest].flatMap((x) => [x * b.least, x * b.greatest])
  // Of d terms all but `inner` are zero.
  const bounds = { least: inner * Math.min(0, ...corners), greatest: inner * Math.max(0, ...corners) }
  const sum = graph.restated(
    terms.reduce((all, term) => graph.combine('add', all, term)),
    bounds,
  )
  if (rows === d && columns === d) return sum
  const entries = Array.from({ length: rows * columns }, (_, to) => {
    return [to, Math.floor(to / columns) * d + (to % columns), 1] as const
  })
  return graph.linear(sum, { key: `corner ${rows}/${columns} of ${d}`, length: rows * columns, entries })
}
