/** Networks of exchanges against what they are to do, for all lengths that occur. */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { clearBackend, clearShare, clearWords, integersOfWords, runClear, wordsOfIntegers } from '@tallystick/mpc'
import type { Arithmetic } from '@tallystick/mpc'
import { mergeNetwork, mergeSorted, permuteBy, placesOf, switchCount, switchesOf } from '../src/networks.ts'

const share = (values: readonly number[]): Arithmetic<64> => clearShare(64, wordsOfIntegers(64, values))
const numbers = (x: Arithmetic<64>): number[] => integersOfWords(64, clearWords(x)).map(Number)

it('merges two sorted lists of any lengths, and tells where each element went', () => {
  const list = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 40 }).map((all) => all.sort((a, b) => a - b))
  const property = fc.property(list, list, (a, b) => {
    const network = mergeNetwork(a.length, b.length)
    const both = [...a, ...b]
    const { sorted, swaps } = runClear(mergeSorted(clearBackend, share(both), network, 8))
    expect(numbers(sorted)).toEqual(both.toSorted((x, y) => x - y))
    const places = numbers(runClear(placesOf(clearBackend, network, swaps)))
    expect(places.map((place) => numbers(sorted)[place])).toEqual(both)
    expect(places.toSorted((x, y) => x - y)).toEqual(both.map((_, i) => i))
    for (const { low, high } of network.levels) expect(new Set([...low, ...high]).size).toBe(2 * low.length)
  })
  fc.assert(property, { numRuns: 150, seed: 8 })
})

it('permutes as the owner of the switches says, on wires that depend on the length alone', () => {
  const property = fc.property(fc.integer({ min: 1, max: 70 }), fc.infiniteStream(fc.nat()), (length, draws) => {
    const source = Uint32Array.from({ length }, (_, i) => i)
    for (let i = length - 1; i > 0; i--) {
      const j = draws.next().value! % (i + 1)
      ;[source[i], source[j]] = [source[j]!, source[i]!]
    }
    const { levels, bits } = switchesOf(source)
    expect(bits.flat().length).toBe(switchCount(length))
    expect(levels).toEqual(switchesOf(source.toSorted()).levels)
    const rows = share([...source.keys()])
    expect(numbers(runClear(permuteBy(clearBackend, rows, share(bits.flat()))))).toEqual([...source])
  })
  fc.assert(property, { numRuns: 150, seed: 9 })
})
