/** What queries of several holders share: roles, and a party of two in a protocol of many. */
import { TallyError } from '@tallystick/core'
import type { Context, Routine } from '@tallystick/protocol'
import { malformed } from './parameters.ts'

export const leastHolders = 2
export const mostHolders = 10
export const askerRole = 'asker'

/** `holder-1` … `holder-n`. */
export const holderRoles = (holders: number): readonly string[] =>
  Array.from({ length: holders }, (_, i) => `holder-${i + 1}`)

/** The order of holders: holder-10 comes after holder-9. */
export const byNumber = (a: string, b: string): number => Number(a.slice(7)) - Number(b.slice(7))

/** For each number of holders that is allowed. */
export const forHolders = <T>(make: (holders: number) => T): ReadonlyMap<number, T> =>
  new Map(Array.from({ length: mostHolders - leastHolders + 1 }, (_, i) => [leastHolders + i, make(leastHolders + i)]))

/** One entry a holder, no other. */
export const byHolder = <T>(
  id: string,
  roles: readonly string[],
  value: unknown,
  parse: (value: unknown, role: string) => T,
): Readonly<Record<string, T>> => {
  if (typeof value !== 'object' || value === null) throw malformed(id, 'expected holders to be an object')
  const stranger = Object.keys(value).find((key) => !roles.includes(key))
  if (stranger !== undefined) throw malformed(id, `there is no role "${stranger}"`)
  const entries = value as Readonly<Record<string, unknown>>
  return Object.fromEntries(
    roles.map((role) => {
      if (Object.hasOwn(entries, role)) return [role, parse(entries[role], role)]
      throw malformed(id, `expected holders to name ${role}`)
    }),
  )
}

/** The asker's end of a protocol of two towards one of several: every message goes to this peer and comes from it. */
export const towards = (ctx: Context<any, any>, peer: string): Context<any, any> => ({
  role: ctx.role,
  peers: ctx.peers,
  get rng() {
    return ctx.rng
  },
  send: (name, value) => ctx.send(name, value, peer),
  receive: (name) => ctx.receive(name, peer) as Routine<any>,
  compute: (kernel, input) => ctx.compute(kernel, input),
  reserve: (correlation, count) => ctx.reserve(correlation, count),
  checkpoint: () => ctx.checkpoint(),
  join: (...branches) => ctx.join(...branches.map((branch) => (inner: any) => branch(towards(inner, peer)))) as any,
  narrow: (step) => towards(ctx.narrow(step), peer),
})

/** Runs `work` of one holder where the asker runs its branch for it: a step has one name at both ends. */
export function* inPlaceOf<T>(
  ctx: Context<any, any>,
  roles: readonly string[],
  work: (branch: Context<any, any>) => Routine<T>,
): Routine<T> {
  function* nothing(): Routine<void> {}
  const before = roles.slice(0, roles.indexOf(ctx.role)).map(() => nothing)
  const results: readonly unknown[] = yield* ctx.join(...before, work)
  return results[before.length] as T
}

export const changed = (message: string): TallyError =>
  new TallyError('input/changed', 'self', message, {
    remedy: 'fetch the versions that the terms name, or agree on new terms',
  })
