# METADATA
# title: Levels of sensitivity
# description: |
#   PUBLIC 1, INTERNAL 2, CONFIDENTIAL 3, RESTRICTED 4. Tables and not comparisons: in Rego anything
#   compares with anything, and null is below every number.
package pdp.lib.level

# METADATA
# description: The levels that a task may touch, by its intent's; 0 reaches up to CONFIDENTIAL.
allowed := {0: {1, 2, 3}, 1: {1}, 2: {1, 2}, 3: {1, 2, 3}, 4: {1, 2, 3, 4}}

# METADATA
# description: The levels above a level.
above := {1: {2, 3, 4}, 2: {3, 4}, 3: {4}, 4: set()}

# METADATA
# description: The level up to which the task's intent reaches.
bound := 3 if input.task.intent.max_sensitivity == 0

else := input.task.intent.max_sensitivity

# METADATA
# description: What the levels are called.
names := {1: "PUBLIC", 2: "INTERNAL", 3: "CONFIDENTIAL", 4: "RESTRICTED"}
