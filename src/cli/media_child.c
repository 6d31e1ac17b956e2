/* `madang media-child`: what the server starts to look at an upload; not for people. */
#include "cli/cli.h"
#include "media/process.h"

#include <unistd.h>

int cli_media_child(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	/* There is nothing to tidy up, and what would (the search for leaks) may not look by now. */
	_exit(media_child_main());
}
