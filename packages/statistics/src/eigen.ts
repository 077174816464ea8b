/** Eigenvalues and vectors of a small symmetric matrix in clear: cyclic Jacobi (Golub, Van Loan, section 8.5). */

export interface Eigen {
  /** Descending. */
  readonly values: readonly number[]
  /** Of length 1, the largest coordinate positive. */
  readonly vectors: readonly (readonly number[])[]
}

const sweeps = 60

const rotate = (a: number[][], v: number[][], p: number, q: number): void => {
  if (a[p]![q] === 0) return
  const tau = (a[q]![q]! - a[p]![p]!) / (2 * a[p]![q]!)
  const t = (tau < 0 ? -1 : 1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau))
  const c = 1 / Math.sqrt(1 + t * t)
  const s = t * c
  const turn = (rows: number[][], i: number, from: number, to: number): void => {
    const [x, y] = [rows[i]![from]!, rows[i]![to]!]
    rows[i]![from] = c * x - s * y
    rows[i]![to] = s * x + c * y
  }
  for (let i = 0; i < a.length; i++) turn(a, i, p, q)
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[p]![i]!, a[q]![i]!]
    a[p]![i] = c * x - s * y
    a[q]![i] = s * x + c * y
  }
  for (let i = 0; i < a.length; i++) turn(v, i, p, q)
}

export const eigenOf = (matrix: readonly (readonly number[])[]): Eigen => {
  const n = matrix.length
  const a = matrix.map((row) => [...row])
  const v = a.map((_, i) => a.map((_row, j) => +(i === j)))
  const scale = a.reduce((sum, row, i) => sum + Math.abs(row[i]!), 0)
  for (let sweep = 0; sweep < sweeps; sweep++) {
    let off = 0
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off += Math.abs(a[p]![q]!)
    if (off <= 1e-15 * scale) break
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, v, p, q)
  }
  const order = a.map((_, i) => i).sort((i, j) => a[j]![j]! - a[i]![i]!)
  const vectorOf = (column: number): number[] => {
    const vector = v.map((row) => row[column]!)
    const largest = vector.reduce((most, each) => (Math.abs(each) > Math.abs(most) ? each : most), 0)
    return largest < 0 ? vector.map((each) => -each) : vector
  }
  return { values: order.map((i) => a[i]![i]!), vectors: order.map(vectorOf) }
}
