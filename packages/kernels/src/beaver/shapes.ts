/** Shapes of the kernels with triples. @throws TallyError api/misuse in every check */
import { TallyError } from '@tallystick/core'
import { checkComponents, checkStream } from '../bits/shapes.ts'
import type { BeaverInput, DealInput, Domain, MaskedInput, PairTermsInput } from './kernels.ts'

const limbsOf = (domain: Domain): number => Math.max(1, domain / 32)

export function checkMasked(input: MaskedInput, domain: Domain): MaskedInput {
  checkStream(input.key, input.at)
  checkComponents([input.x], limbsOf(domain))
  return input
}

export function checkBeaver(input: BeaverInput, domain: Domain): BeaverInput {
  const { d, e, key, a, b, c } = input
  checkStream(key, a)
  checkStream(key, b)
  if (typeof c === 'number') checkStream(key, c)
  checkComponents(typeof c === 'number' ? [d, e] : [d, e, c], limbsOf(domain))
  return input
}

export function checkDeal(input: DealInput, domain: Domain): DealInput {
  const { keys, a, b, c, words, to } = input
  for (const key of keys) for (const at of [a, b, c]) checkStream(key, at)
  const whole = Number.isInteger(words) && words >= 0 && words % limbsOf(domain) === 0
  if (whole && Number.isInteger(to) && to >= 0 && to < keys.length) return input
  const found = `${words} words for party ${to} of ${keys.length}`
  throw new TallyError('api/misuse', 'self', `expected whole elements for one of the parties, found ${found}`)
}

export function checkPairTerms(input: PairTermsInput, domain: Domain): PairTermsInput {
  checkStream(input.key, input.at)
  checkComponents([input.x0, input.x1, input.y0, input.y1], limbsOf(domain))
  return input
}
