/* config_check.c - what must hold between settings. */
#include "base/config.h"

static int check_views(const struct config *c, char err[ERR_MAX])
{
	double large_min = c->views.large_area_min_odd > c->views.large_area_min_even
		? c->views.large_area_min_odd
		: c->views.large_area_min_even;

	if (large_min > c->views.large_area_max)
		return fail(err,
			"views.large_area_max (%g) is below views.large_area_min_odd or _even (%g)",
			c->views.large_area_max, large_min);
	if (c->views.small_area_min > c->views.small_area_max)
		return fail(err, "views.small_area_min (%g) is above views.small_area_max (%g)",
			c->views.small_area_min, c->views.small_area_max);
	if (c->views.blur_sigma_min > c->views.blur_sigma_max)
		return fail(err, "views.blur_sigma_min (%g) is above views.blur_sigma_max (%g)",
			c->views.blur_sigma_min, c->views.blur_sigma_max);
	if (c->views.blur_taps % 2 == 0)
		return fail(err, "views.blur_taps (%d) must be odd, so that the blur has a centre",
			c->views.blur_taps);
	if (c->views.small > 0 && c->views.small_from == SMALL_CENTRE &&
		c->views.small_size > c->views.large_size)
		return fail(err,
			"views.small_from=centre cuts small views out of large ones: views.small_size (%d) must not "
			"be above views.large_size (%d)",
			c->views.small_size, c->views.large_size);
	return 0;
}

static int check_loss(const struct config *c, char err[ERR_MAX])
{
	int large = c->views.large, small = c->views.small;

	if (c->loss.contrast == 0 && c->loss.invariance == 0)
		return fail(err,
			"loss.contrast and loss.invariance are both 0: there is nothing to learn");
	if (!c->loss.diagonal && large == 1 && small == 0)
		return fail(err,
			"views.large=1 without small views has no pair of views: set loss.diagonal=true or add views");
	if (c->loss.small_mode == 4 && small > 0 && large < 2)
		return fail(err,
			"loss.small_mode=4 takes the other large views as teachers: set views.large to 2 or more");
	if (c->loss.kl == KL_REVERSE && c->loss.stop_gradient == STOP_ENTROPY)
		return fail(err, "loss.kl=reverse is defined with loss.stop_gradient=whole only");
	return 0;
}

static int check_length(const struct config *c, char err[ERR_MAX])
{
	if (c->train.batch % c->data.lanes != 0)
		return fail(err,
			"train.batch (%d) is not a multiple of data.lanes (%d): change one of them",
			c->train.batch, c->data.lanes);
	if (c->train.steps > 0)
		return 0;
	if (c->train.epochs == 0)
		return fail(
			err, "train.epochs and train.steps are both 0: set the length of the run");
	if (c->optim.warmup_epochs >= c->train.epochs)
		return fail(err, "optim.warmup_epochs (%g) must be below train.epochs (%g)",
			c->optim.warmup_epochs, c->train.epochs);
	return 0;
}

static int check_ranks(const struct config *c, char err[ERR_MAX])
{
	if (c->comm.bootstrap != BOOTSTRAP_MPI && !*c->comm.address)
		return fail(err, "comm.address is not set: comm.bootstrap=%s needs %s",
			c->comm.bootstrap == BOOTSTRAP_FILE ? "file" : "tcp",
			c->comm.bootstrap == BOOTSTRAP_FILE
				? "the path of a file that all ranks can see"
				: "HOST:PORT, where rank 0 is to listen");
	return 0;
}

int config_check(const struct config *c, char err[ERR_MAX])
{
	if (check_length(c, err) || check_views(c, err) || check_loss(c, err) ||
		check_ranks(c, err))
		return -1;
	return 0;
}
