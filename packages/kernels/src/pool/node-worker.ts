/** A worker thread of `nodePool`: serves kernel calls and gives the output's buffers away. */
import { move, transferableSymbol, valueSymbol } from 'piscina'
import { nodeEngine } from '../native/engine.ts'
import { buffersOf, serve } from './pool.ts'

export default async function run({ name, input }: { name: string; input: unknown }): Promise<unknown> {
  const reply = serve(await nodeEngine(), name, input)
  const transfer = 'output' in reply ? buffersOf(reply.output) : []
  return move({ [transferableSymbol]: transfer, [valueSymbol]: reply })
}
