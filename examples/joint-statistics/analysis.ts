/** What the three companies want to know of the customers that they share, and agree to learn. */
import {
  analyse,
  anova,
  correlation,
  crosstab,
  groupBy,
  linear,
  logistic,
  mean,
  median,
  weightOfEvidence,
} from '@tallystick/statistics'

export default analyse(
  {
    layout: 'vertical',
    columns: ['income', 'debt', 'segment', 'age', 'claims', 'spend', 'channel', 'late'],
    minimumCount: 10,
  },
  ({ income, debt, segment, age, claims, spend, channel, late }) => ({
    'mean-income': mean(income),
    'median-age': median(age),
    correlations: correlation([income, debt, age, claims, spend]),
    spending: linear(spend, [income, age, claims]),
    risk: logistic(late, [income, debt, age], { iterations: 8 }),
    segments: groupBy(segment, spend),
    'segment-test': anova(spend, segment),
    channels: crosstab(segment, channel),
    evidence: weightOfEvidence(late, income, [2500, 3500, 4500]),
  }),
)
