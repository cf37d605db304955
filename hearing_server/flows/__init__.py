"""The court's procedures, each one pure module: commands, facts, a literal table, `decide`, `evolve`, `due`.

Law: nothing here does I/O, reads a clock or draws a random number; what a rule needs is passed in. Flows never import
one another. The numbered rules are in SPEC.md beside this file; tests cite them.
"""
