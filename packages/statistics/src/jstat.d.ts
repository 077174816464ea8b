/** What of jstat is used; the package brings no types. */
declare module 'jstat' {
  const jStat: {
    /** Regularised incomplete beta function I_x(a, b). */
    ibeta(x: number, a: number, b: number): number
    /** Regularised lower incomplete gamma function P(a, x). */
    lowRegGamma(a: number, x: number): number
    /** ln Γ(a). */
    gammaln(a: number): number
  }
  export default jStat
}
