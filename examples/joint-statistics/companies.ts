/** The three companies: which columns each holds, and how its export looks. */
import type { NumericColumn, CategoricalColumn } from '@tallystick/statistics'

type Declared = (NumericColumn | CategoricalColumn) & { readonly from?: string }

export interface Company {
  readonly role: 'p0' | 'p1' | 'p2'
  readonly name: string
  readonly columns: readonly Declared[]
  /** The column that joins, as the export names it. */
  readonly id: string
  readonly delimiter: ',' | ';'
  readonly newline: '\n' | '\r\n'
  readonly bom: boolean
}

const numeric = (name: string, minimum: number, maximum: number, decimals: number, from?: string): Declared => ({
  ...{ name, type: 'numeric', minimum, maximum, decimals },
  ...(from !== undefined && { from }),
})

export const companies: readonly Company[] = [
  {
    role: 'p0',
    name: 'Harbour Bank',
    columns: [
      numeric('income', 0, 20_000, 2, 'Monthly income'),
      numeric('debt', 0, 200_000, 0, 'Debt'),
      { name: 'segment', type: 'categorical', levels: ['basic', 'plus', 'private'] },
    ],
    id: 'Mobile',
    delimiter: ',',
    newline: '\r\n',
    bom: true,
  },
  {
    role: 'p1',
    name: 'Valley Insurance',
    columns: [numeric('age', 18, 100, 0), numeric('claims', 0, 50_000, 2)],
    id: 'phone',
    delimiter: ';',
    newline: '\n',
    bom: false,
  },
  {
    role: 'p2',
    name: 'Hill Retail',
    columns: [
      numeric('spend', 0, 5000, 2),
      { name: 'channel', type: 'categorical', levels: ['shop', 'web, app'] },
      numeric('late', 0, 1, 0),
    ],
    id: '手机号',
    delimiter: ',',
    newline: '\n',
    bom: true,
  },
]
