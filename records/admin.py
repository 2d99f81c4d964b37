"""Nothing of the vault is listed in the admin: clinicians and officers have desks of their own.

A generic list would show rows without the vault's access check and without its trace.
"""
