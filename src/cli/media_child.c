/* `madang media-child`: what the server starts to look at an upload; not for people. */
#include "cli/cli.h"
#include "media/process.h"

int cli_media_child(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return media_child_main();
}
