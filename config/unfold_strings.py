"""Words of the theme and of django-q that staff see: they ship no Chinese, and ``makemessages`` does not look there.

Nothing runs here: the calls only put the words into our catalogue. After an update of django-unfold,
compare with its templates; of django-q, with its models.
"""

from django.utils.translation import gettext_noop as _
from django.utils.translation import ngettext_lazy

# Django's own Chinese of these reads like a machine's; ours comes first.
OURS_FOR_DJANGOS = (
    _("Please enter the correct %(username)s and password for a staff account. Note that both fields may be"
      " case-sensitive."),
    _("%(name)s with ID “%(key)s” doesn’t exist. Perhaps it was deleted?"), _("Please correct the error below."),
    _("Add %s"), _("Change %s"), _("View %s"), _("Add another %(verbose_name)s"), _("Cannot delete %(name)s"),
    _("Delete selected %(verbose_name_plural)s"), _("Successfully deleted %(count)d %(items)s."),
    _("The {name} “{obj}” was added successfully."), _("You may edit it again below."),
    _("The {name} “{obj}” was changed successfully."),
    _("The {name} “{obj}” was changed successfully. You may edit it again below."),
    _("The %(name)s “%(obj)s” was deleted successfully."),
    _("The {name} “{obj}” was added successfully. You may add another {name} below."),
    _("The {name} “{obj}” was changed successfully. You may add another {name} below."),
    _('Are you sure you want to delete the %(object_name)s "%(escaped_object)s"? All of the following related items'
      " will be deleted:"),
    _("Are you sure you want to delete the selected %(objects_name)s? All of the following objects and their related"
      " items will be deleted:"),
    _("Deleting the %(object_name)s '%(escaped_object)s' would require deleting the following protected related"
      " objects:"),
    _("Deleting the selected %(objects_name)s would require deleting the following protected related objects:"),
    _("%(app)s administration"),
    # Passwords: politely, and the one that Django has no Chinese of.
    _("Your password was changed."),
    _("Please enter your old password, for security’s sake, and then enter your new password twice so we can verify"
      " you typed it in correctly."),
    _("Your old password was entered incorrectly. Please enter it again."),
    _("Your password can’t be too similar to your other personal information."),
    _("Your password can’t be a commonly used password."), _("Your password can’t be entirely numeric."),
    ngettext_lazy("Your password must contain at least %(min_length)d character.",
                  "Your password must contain at least %(min_length)d characters.", "min_length"),
    ngettext_lazy("This password is too short. It must contain at least %d character.",
                  "This password is too short. It must contain at least %d characters."),
    _("Deleting the %(object_name)s '%(escaped_object)s' would result in deleting related objects, but your account"
      " doesn't have permission to delete the following types of objects:"),
    _("Deleting the selected %(objects_name)s would result in deleting related objects, but your account doesn't have"
      " permission to delete the following types of objects:"),
    _("After you’ve created a user, you’ll be able to edit more user options."), _("Error:"),
    # What staff call roles is called so on the pages of people, too.
    _("group"), _("groups"),
    _("The groups this user belongs to. A user will get all permissions granted to each of their groups."),
)  # fmt: skip
WORDS = (
    # Lists
    _("Type to search"), _("Filters"), _("Apply Filters"), _("Clear all filters"), _("Reset filters"),
    _(" By %(filter_title)s "), _("All"), _("Yes"), _("No"), _("Value"), _("From"), _("To"),
    _("Date from"), _("Date to"), _("Show all"), _("%(full_result_count)s total"), _("No results found"),
    _("This page yielded into no results. Create a new item or reset your filters."), _("Select action"),
    _("Select action to run"), _("Run"), _("Run the selected action"), _("Select record"), _("Select all rows"),
    _("Select all %(total_count)s %(module_name)s"), _("Clear selection"), _("Expand row"), _("More actions"),
    _("Sorting priority: %(priority_number)s"), _("Previous"), _("Next"), _("No data"), _("Loading more results..."),
    # Forms
    _("Select value"), _("General"), _("Add row"), _("Add new item"), _("Date"), _("Time"), _("Cancel"),
    _("Choose file to upload"), _("Click to download"), _("Click to cancel"), _("Toggle password visibility"),
    _("True"), _("False"),
    _("This item will be deleted."), _("Add %(name)s"), _("Add another %(model)s"), _("Change selected %(model)s"),
    _("Delete selected %(model)s"), _("View selected %(model)s"),
    _("After you've created a user, you’ll be able to edit more user options."),
    _("Enter a new password for the user <strong>%(username)s</strong>."),
    _("Raw passwords are not stored, so there is no way to see this user’s password, but you can change the password"
      " using <a href=\"{}\" class=\"text-primary-600 dark:text-primary-500\">this form</a>."),
    # Frame
    _("Welcome"), _("Welcome back to"), _("Return to site"), _("Go back"), _("All applications"), _("Dark"), _("Light"),
    _("System"), _("Search apps and models..."), _("Recent searches"), _("No recent searches"),
    _("No results matching your query"), _("You have been successfully logged out from the administration"),
    _("Models in the %(name)s application"), _("Record picture"), _("Link"), _("Image preview"),
    _("You don’t have permission to view or edit anything."),
    # Import, export, history
    _("Select format"), _("Select currency"), _("This exporter will export the following fields"), _("View traceback"),
    _("Changes"), _("Choose a date from the list below to revert to a previous version of this object"),
    _("Press the 'Revert' button below to revert to this version of the object."),
    _("Press the 'Change History' button below to edit the history."),
    # Background jobs; a task (任务) is what we owe a vendor
    _("Successful task"), _("Successful tasks"), _("Failed task"), _("Failed tasks"), _("Queued task"),
    _("Queued tasks"), _("Scheduled task"), _("Scheduled tasks"),
    _("Function"), _("Arguments"), _("Keyword arguments"), _("Started at"), _("Stopped at"), _("Result"),
    _("Attempt count"), _("Cron"), _("Repeats"), _("Next Run"), _("Schedule Type"), _("Minutes"),
    _("Number of minutes for the Minutes type"), _("n = n times, -1 = forever"), _("e.g. 1, 2, 'John'"),
    _("Task"), _("Tasks"),
    _("Optional label to identify this schedule in the admin."), _("e.g. module.tasks.function"),
    _("How often this task should be enqueued."), _("When this schedule runs next (stored in UTC)."),
    _("Optional human-readable name for lookup and display."),
    _("Dotted import path to the callable, e.g. myapp.tasks.job."), _("Pickled positional arguments (tuple)."),
    _("Pickled keyword arguments (dict)."), _("When the worker started executing the task."),
    _("When the worker finished (success or failure)."), _("Pickled return value or error payload."),
    _("How many times execution was attempted."),
)  # fmt: skip
NUMBERS = (
    ngettext_lazy("%(counter)s result", "%(counter)s results", "counter"),
    ngettext_lazy("entry", "entries"),
)
