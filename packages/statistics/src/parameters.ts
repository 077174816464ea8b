/** The public parameters as JSON of the terms. */
import { TallyError } from '@tallystick/core'
import { z } from 'zod'
import { checkSchema, maxLevels } from './columns.ts'
import { mostOwners, ownerRoles, receiversOf, roles, rolesOf, twoCompute, type Parameters } from './plan.ts'

const name = z.string().min(1).max(100)
/** A column, or a level of one. */
const reference = z.string().min(1).max(301)
const columns = z.array(reference).min(1).max(64)
const edges = z
  .array(z.number())
  .min(1)
  .max(maxLevels - 1)
const cuts = { edges: edges.optional(), bins: z.int().min(2).max(maxLevels).optional() }
const weight = reference.optional()
const kind = <const T extends string>(literal: T) => z.literal(literal)

const statistic = z.discriminatedUnion('kind', [
  z.strictObject({ kind: kind('count'), weight }),
  z.strictObject({ kind: z.enum(['sum', 'mean', 'variance', 'std']), x: reference, weight }),
  z.strictObject({ kind: kind('covariance'), x: columns, weight }),
  z.strictObject({ kind: kind('correlation'), x: columns, method: z.enum(['pearson', 'spearman']), weight }),
  z.strictObject({ kind: kind('quantiles'), x: reference, levels: z.array(z.number()).min(1).max(100) }),
  z.strictObject({ kind: kind('histogram'), x: reference, edges }),
  z.strictObject({ kind: z.enum(['crosstab', 'chi-square']), rows: reference, columns: reference }),
  z.strictObject({ kind: kind('group-by'), by: reference, x: reference }),
  z.strictObject({ kind: kind('welch'), by: reference, x: reference, one: name, other: name }),
  z.strictObject({ kind: kind('anova'), by: reference, x: reference }),
  z.strictObject({ kind: kind('linear'), y: reference, x: columns, penalty: z.number().min(0).max(1e9), weight }),
  z.strictObject({
    kind: kind('logistic'),
    y: reference,
    x: columns,
    penalty: z.number().min(0).max(1e9),
    iterations: z.int().min(1).max(100),
    method: z.enum(['fixed-hessian', 'newton']),
    weight,
  }),
  z.strictObject({
    kind: kind('k-means'),
    x: columns,
    starts: z.array(z.array(z.number())).min(2).max(32),
    iterations: z.int().min(1).max(100),
  }),
  z.strictObject({ kind: kind('components'), x: columns, standardised: z.boolean() }),
  z.strictObject({
    ...{ kind: kind('woe'), y: reference, x: reference, ...cuts },
    merge: z.strictObject({ to: z.int().min(2).max(maxLevels), threshold: z.number().min(0).max(1e6) }).optional(),
  }),
  z.strictObject({ kind: kind('importance'), y: reference, x: columns, ...cuts }),
  z.strictObject({
    kind: kind('trees'),
    y: reference,
    x: z
      .array(z.strictObject({ column: reference, ...cuts }))
      .min(1)
      .max(32),
    depth: z.int().min(1).max(5),
    trees: z.int().min(1).max(50),
    rate: z.number().min(0.001).max(1),
    objective: z.enum(['squares', 'logistic']),
  }),
  z.strictObject({
    kind: kind('scorecard'),
    y: reference,
    x: z
      .array(z.strictObject({ column: reference, ...cuts }))
      .min(1)
      .max(32),
    penalty: z.number().min(0).max(1e9),
    iterations: z.int().min(1).max(100),
    points: z.strictObject({
      base: z.number(),
      odds: z.number().min(1e-9).max(1e9),
      double: z.number().min(1e-9).max(1e9),
    }),
  }),
])

const column = z.discriminatedUnion('type', [
  z.strictObject({
    name,
    type: kind('numeric'),
    minimum: z.number(),
    maximum: z.number(),
    decimals: z.int().min(0).max(9),
  }),
  z.strictObject({
    name,
    type: kind('categorical'),
    levels: z.array(z.string().min(1).max(200)).min(2).max(maxLevels),
  }),
])

export const tableSchema = z.strictObject({ columns: z.array(column).min(1).max(256) })

const role = z.enum([...roles, ...ownerRoles(mostOwners)])
const perRole = <T extends z.ZodType>(value: T) => z.partialRecord(role, value)
const privacy = z.discriminatedUnion('mechanism', [
  z.strictObject({ mechanism: kind('laplace'), epsilon: z.number().min(1e-4).max(64) }),
  z.strictObject({ mechanism: kind('gaussian'), rho: z.number().min(1e-8).max(2048) }),
])

const schema = z.strictObject({
  layout: z.enum(['horizontal', 'vertical']),
  outputs: z
    .array(
      z.strictObject({
        name: z
          .string()
          .regex(
            /^[A-Za-z][A-Za-z0-9_-]{0,99}$/,
            'names of figures begin with a letter (a to z) and go on with letters, digits, - and _',
          ),
        statistic,
        to: z.array(role).min(1).optional(),
        privacy: privacy.optional(),
      }),
    )
    .min(1)
    .max(500),
  minimumCount: z
    .int()
    .min(0)
    .max(1_000_000)
    .refine((least) => least !== 2, '2 tells lists like 1 and 1 of 2 in all; name 3 or more, or 0'),
  roundTo: z.int().min(2).max(1000).optional(),
  to: z.union([z.enum(['all']), role, z.array(role).min(1)]),
  owners: z.int().min(1).max(mostOwners).optional(),
  helper: z.literal(true).optional(),
  triples: z.literal('bgv').optional(),
  sizes: perRole(
    z
      .int()
      .min(1)
      .max(2 ** 27),
  ),
  tables: perRole(tableSchema),
})

const malformed = (message: string, remedy = 'make the terms anew with "tally stats plan"'): TallyError =>
  new TallyError('terms/malformed', 'self', `statistics parameters: ${message}`, { remedy })

const sameColumns = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** What a shape cannot say: tables that fit together. */
const consistent = (parameters: Parameters): void => {
  const { layout, sizes, tables, outputs } = parameters
  if (parameters.helper === true && parameters.triples !== undefined) {
    throw malformed('triples come from a helper or from BGV ciphertexts, not from both', 'leave one of them out')
  }
  if (twoCompute(parameters) && parameters.owners !== undefined) {
    throw malformed(
      'where two parties compute there are two owners and no others',
      'have three parties compute, or bring the tables of the others to the two',
    )
  }
  const all = rolesOf(parameters)
  const owners = all.filter((each) => tables[each] !== undefined)
  const sized = all.filter((each) => sizes[each] !== undefined)
  const receivers = receiversOf(parameters)
  const named = [...Object.keys(tables), ...receivers, ...outputs.flatMap(({ to = [] }) => to)]
  const stranger = named.find((each) => !all.includes(each))
  if (stranger !== undefined) throw malformed(`expected roles of ${all.join(', ')}, found ${stranger}`)
  const learning = new Set(outputs.flatMap(({ to = receivers }) => to))
  const idle = [
    ...receivers.filter((each) => !learning.has(each)),
    ...[...learning].filter((each) => !receivers.includes(each)),
  ]
  if (idle.length > 0 || new Set(receivers).size < receivers.length) {
    throw malformed(`"to" names ${receivers.join(', ')}, the outputs go to ${[...learning].sort().join(', ')}`)
  }
  if (owners.length === 0) throw malformed('expected a table of at least one party, found none')
  if (owners.join() !== sized.join()) throw malformed('expected sizes for exactly the roles that have tables')
  for (const each of owners) checkSchema(tables[each]!)
  const rows = layout === 'vertical' ? sizes[owners[0]!]! : sized.reduce((sum, each) => sum + sizes[each]!, 0)
  if (parameters.minimumCount > Math.max(1, rows)) {
    throw malformed(
      `the tables have ${rows} rows in all, figures want ${parameters.minimumCount} at least (minimumCount)`,
      'bring more rows, or lower minimumCount',
    )
  }
  const [first, ...others] = owners
  const names = outputs.map(({ name: output }) => output)
  if (new Set(names).size < names.length) throw malformed('two outputs have the same name')
  if (layout === 'horizontal') {
    const other = others.find((each) => !sameColumns(tables[each], tables[first!]))
    if (other !== undefined) {
      throw malformed(
        `horizontal tables have the same columns, those of ${first} and ${other} differ`,
        'have all parties declare with the same column file',
      )
    }
    return
  }
  const uneven = others.find((each) => sizes[each] !== sizes[first!])
  if (uneven !== undefined) {
    throw malformed(
      `vertical tables have the same rows, ${first} has ${sizes[first!]} and ${uneven} ${sizes[uneven]}`,
      'join the tables on the common ids first',
    )
  }
  const columnsOfAll = owners.flatMap((each) => tables[each]!.columns.map(({ name: column }) => column))
  const twice = columnsOfAll.find((each, i) => columnsOfAll.indexOf(each) !== i)
  if (twice !== undefined) throw malformed(`two parties have a column "${twice}"`, 'rename one of them')
}

/** Where in the parameters something is wrong, figures by their names. */
const placeOf = (value: unknown, [first, second, ...rest]: readonly PropertyKey[]): string => {
  const outputs: unknown = (value as { readonly outputs?: unknown } | null)?.outputs
  const output: unknown = first === 'outputs' && Array.isArray(outputs) ? outputs[Number(second)] : undefined
  const { name: called } = (output ?? {}) as { readonly name?: unknown }
  if (typeof called === 'string') return `figure "${called}"${rest.length > 0 ? `, ${rest.join('.')}` : ''}`
  return [first, second, ...rest].filter((each) => each !== undefined).join('.') || 'the whole'
}

/** @throws TallyError terms/malformed */
export const parseParameters = (value: unknown): Parameters => {
  const parsed = schema.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw malformed(
      `${placeOf(value, issue!.path)}: ${issue!.message}`,
      'correct the analysis, and make the terms anew',
    )
  }
  consistent(parsed.data)
  return parsed.data
}
