/** A worker thread of `nodePool`: serves kernel calls and gives the output's buffers away. */
import { move, transferableSymbol, valueSymbol } from 'piscina'
import { nodeEngine } from '../native/engine.ts'
import { buffersOf, type Reply, serve } from './pool.ts'

export default async function run({ name, input }: { name: string; input: unknown }): Promise<unknown> {
  const engine = await nodeEngine()
  let reply: Reply
  try {
    reply = serve(engine, name, input)
  } catch {
    // Anything else than a refusal leaves WebAssembly's memory in an unknown state: this thread ends, another tries.
    return process.exit(1)
  }
  const transfer = 'output' in reply ? buffersOf(reply.output) : []
  return move({ [transferableSymbol]: transfer, [valueSymbol]: reply })
}
