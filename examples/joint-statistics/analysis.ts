/** What the three companies want to know of the customers that they share, and agree to learn. */
import {
  analyse,
  anova,
  correlation,
  crosstab,
  groupBy,
  histogram,
  levels,
  linear,
  logistic,
  mean,
  median,
  noisy,
  only,
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
    // Against the segment "basic".
    'spending-by-segment': linear(spend, [income, ...levels(segment, 'plus', 'private')]),
    risk: logistic(late, [income, debt, age], { iterations: 8 }),
    segments: groupBy(segment, spend),
    'segment-test': anova(spend, segment),
    channels: crosstab(segment, channel),
    evidence: weightOfEvidence(late, income, { bins: 6, merge: { to: 4 } }),
    ranks: only(correlation([income, spend], 'spearman'), 'p0', 'p2'),
    'spend-bins': noisy(histogram(spend, [250, 500, 1000, 2000]), { epsilon: 1 }),
  }),
)
