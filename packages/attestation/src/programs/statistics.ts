/** Statistics: a row is that of a table. */
import {
  mostOwners,
  ownerRoles,
  statistics,
  statisticsOfTwo,
  statisticsOfTwoAlone,
  statisticsWith,
  tableInput,
} from '@tallystick/statistics'
import { programOf, type Programs } from '../program.ts'

export const programs: Programs = {
  ...programOf(statistics, tableInput),
  ...programOf(statisticsOfTwo, tableInput),
  ...programOf(statisticsOfTwoAlone, tableInput),
  ...Object.assign({}, ...ownerRoles(mostOwners).map((_, i) => programOf(statisticsWith(i + 1), tableInput))),
}
