"""What a perturbation VAE can identify, in small worlds whose truth is known.

simulation (a world with truth) → alignment, mechanisms (what a fit may be told) → fits (worlds ×
settings × seeds → one tidy table) → polish (the last rotation) → recovery (MCC, block R², leak,
SHD), always beside nulls.
"""
