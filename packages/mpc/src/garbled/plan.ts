/**
 * In which pieces a circuit is garbled for many instances: block by block of instances, so that the labels of a block stay in
 * the cache, and in a block segment by segment of layers, so that a segment's tables are about a frame.
 */
import type { Layer, Schedule } from '@tallystick/circuits'
import { frameBytes, labelBytes, tableBytes } from './messages.ts'

export interface Segment {
  /** Layers as the kernels take them. */
  readonly code: Int32Array
  /** AND gates, and how many there are in the segments before. */
  readonly and: number
  readonly first: number
}

export interface Block {
  /** Instances. */
  readonly from: number
  readonly to: number
}

export interface Plan {
  readonly blocks: readonly Block[]
  readonly segments: readonly Segment[]
}

/** Labels of a block at once. */
const stateBytes = 2 ** 22

const codeOf = (layers: readonly Layer[]): Int32Array => {
  const size = layers.reduce((sum, { free, and }) => sum + 2 + free.length + and.length, 0)
  const code = new Int32Array(size)
  let at = 0
  for (const { free, and } of layers) {
    code.set([free.length / 4, and.length / 3], at)
    code.set(free, at + 2)
    code.set(and, at + 2 + free.length)
    at += 2 + free.length + and.length
  }
  return code
}

const gatesOf = (layers: readonly Layer[]): number => layers.reduce((sum, { and }) => sum + and.length / 3, 0)

export const planOf = (schedule: Schedule, instances: number): Plan => {
  // Whole batches of the kernel where there are so many instances.
  const fit = Math.max(1, Math.floor(stateBytes / (labelBytes * Math.max(1, schedule.slots))))
  const size = Math.min(instances, fit > 64 ? fit - (fit % 64) : fit)
  const blocks: Block[] = []
  for (let from = 0; from < instances; from += size) blocks.push({ from, to: Math.min(from + size, instances) })

  const segments: Segment[] = []
  let [start, bytes, first] = [0, 0, 0]
  const close = (end: number): void => {
    const layers = schedule.layers.slice(start, end)
    segments.push({ code: codeOf(layers), and: gatesOf(layers), first })
    first += gatesOf(layers)
  }
  schedule.layers.forEach(({ and }, i) => {
    const more = (and.length / 3) * size * tableBytes
    if (bytes > 0 && bytes + more > frameBytes) {
      close(i)
      ;[start, bytes] = [i, 0]
    }
    bytes += more
  })
  close(schedule.layers.length)
  return { blocks, segments }
}

export const segmentTableBytes = ({ and }: Segment, instances: number): number => and * instances * tableBytes

/** Tweaks count the AND gates of the circuit instance by instance, two each. */
export const tweaksOf = ({ and }: Schedule, segment: Segment, block: Block) => ({
  tweak: 2 * (block.from * and + segment.first),
  stride: 2 * and,
})
