"""
Every SQL statement of the API: one file a noun, with the shape of its rows.

None of the statements names an organization: row-level security does, and an inserted row gets its
organization by default. A read goes behind the entry in one statement (`RowSecurity.select`). A
write enters, changes and notes the change in one transaction: the entry travels with the first
statement, the audit event with COMMIT.

Every method may raise what the entry raises: NotAMember, OrganizationSuspended, InsufficientRole.
A method that does not find what it looks for returns None or False.

The dataclasses are not frozen: up to 100 rows are made for a page, and frozen ones take five times
as long.
"""
