export * from '@tallystick/kernels/oprf/scalars'
