export * from '@tallystick/kernels/oprf'
