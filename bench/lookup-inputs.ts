/** Keys and rows of a lookup benchmark: variants as the command line writes them, every other key held. */
import { utf8ToBytes } from '@tallystick/core'
import type { LookupParameters } from '@tallystick/homomorphic'

const itemsOf = (texts: readonly string[]) => {
  const offsets = new Uint32Array(texts.length + 1)
  texts.forEach((text, i) => (offsets[i + 1] = offsets[i]! + text.length))
  return { bytes: utf8ToBytes(texts.join('')), offsets }
}

export const lookupInputs = ({ sizes, valueBytes }: LookupParameters) => {
  const variant = (i: number): string => `${1 + (i % 22)}:${10_000 + i * 37}:${'ACGT'[i % 4]!}:${'ACGT'[(i + 1) % 4]!}`
  const rows = Array.from({ length: sizes.holder }, (_, i) => i)
  return {
    client: { keys: itemsOf(Array.from({ length: sizes.client }, (_, i) => variant(i % 2 === 0 ? i * 53 : -i))) },
    holder: {
      keys: itemsOf(rows.map(variant)),
      values: itemsOf(rows.map((i) => `${i} alleles, annotation`.padEnd(valueBytes, '.').slice(0, valueBytes))),
    },
  }
}
