"""
Every SQL statement of the API: one file a noun, with the dataclasses of its rows. A statement
selects the columns in the order of the dataclass's fields.

No statement names an organization: row-level security shows the entered one only, and the default
of `org_id` puts a new row into it. A read runs in one statement with the entry
(`RowSecurity.select`). A write enters, changes and adds its audit event in one transaction: the
entry travels with the first statement, the audit event with COMMIT.

Every method raises what the entry raises: NotAMember, OrganizationSuspended, InsufficientRole.
A method that does not find its row raises NotFound.

The dataclasses are not frozen: a page has up to 100 rows, and frozen ones take five times as long
to make.
"""
