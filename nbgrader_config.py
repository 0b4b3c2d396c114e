# What nbgrader has to know about this course; everything else is its default. Run nbgrader in this folder.
c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "crmlab"
c.CourseDirectory.source_directory = "notebooks/solutions"
c.CourseDirectory.release_directory = "notebooks/exercises"

# A starter runs from top to bottom: every answer cell begins with `name = ...`, which its check calls
# "not attempted".
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE"}
