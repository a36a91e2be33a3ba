/* config_table.c - every setting there is.
 * The defaults are the paper's recipe for ResNet-50 on ImageNet, 1000 epochs; where the paper is
 * silent, BYOL's, whose code the paper's builds on. */
#include "base/config_table.h"

/* Offset of a field; does not compile when the field is of another type. */
#define AT(field, type) _Generic(((struct config *)0)->field, type : offsetof(struct config, field))
#define SAME RESUME_SAME
#define FREE RESUME_FREE
#define UPWARDS RESUME_UPWARDS
#define LAST 0x1p62 /* of counts of steps, and of seeds */
/* clang-format off */
#define INT(field, value, min, max, resume, help) \
	{ #field, OPTION_INT, AT(field, int), value, min, max, NULL, resume, help }
#define LONG(field, value, min, max, resume, help) \
	{ #field, OPTION_LONG, AT(field, int64_t), value, min, max, NULL, resume, help }
#define REAL(field, value, min, max, resume, help) \
	{ #field, OPTION_REAL, AT(field, double), value, min, max, NULL, resume, help }
#define BOOL(field, value, resume, help) \
	{ #field, OPTION_BOOL, AT(field, int), value, 0, 1, "true|false", resume, help }
#define WORD(field, value, words, resume, help) \
	{ #field, OPTION_WORD, AT(field, unsigned), value, 0, 0, words, resume, help }
#define TEXT(field, value, words, resume, help) \
	{ #field, OPTION_TEXT, AT(field, char *), value, 0, 0, words, resume, help }
/* clang-format on */

const struct option config_options[] = {
	TEXT(data.train, "", NULL, FREE, "folder of the packed data set to train on"),
	INT(data.lanes, "64", 1, 65536, SAME,
		"shards are dealt to so many lanes; divides train.batch, a multiple of the ranks"),
	INT(data.threads, "0", 0, 1024, FREE,
		"decode threads of a rank; 0: one for each of its cores"),
	INT(data.prefetch, "4", 1, 64, FREE, "steps decoded ahead of the trainer"),
	TEXT(data.stage_dir, "", NULL, FREE,
		"folder on a disk of the node: shards are copied there first, once a node; empty: no copies"),

	INT(views.large, "4", 1, 16, SAME, "large views of an image (L)"),
	INT(views.small, "2", 0, 16, SAME, "small views of an image (S)"),
	INT(views.large_size, "224", 8, 2048, SAME, "pixels a side of a large view"),
	INT(views.small_size, "96", 8, 2048, SAME, "pixels a side of a small view"),
	REAL(views.large_area_min_odd, "0.14", 1e-4, 1, SAME,
		"smallest crop of large views 1, 3, ..., share of the image"),
	REAL(views.large_area_min_even, "0.08", 1e-4, 1, SAME,
		"smallest crop of large views 2, 4, ..."),
	REAL(views.large_area_max, "1", 1e-4, 1, SAME, "largest crop of large views"),
	REAL(views.small_area_min, "0.05", 1e-4, 1, SAME, "smallest crop of small views"),
	REAL(views.small_area_max, "0.14", 1e-4, 1, SAME, "largest crop of small views"),
	REAL(views.flip, "0.5", 0, 1, SAME, "probability of a mirrored view"),
	REAL(views.jitter, "0.8", 0, 1, SAME, "probability of colour jitter"),
	REAL(views.grey, "0.2", 0, 1, SAME, "probability of a grey view"),
	REAL(views.brightness, "0.4", 0, 1, SAME, "jitter adds up to this to all channels"),
	REAL(views.contrast, "0.4", 0, 1, SAME, "jitter scales contrast by 1 minus to 1 plus this"),
	REAL(views.saturation, "0.2", 0, 1, SAME,
		"jitter scales saturation by 1 minus to 1 plus this"),
	REAL(views.hue, "0.1", 0, 0.5, SAME, "jitter turns the hue by up to this part of a circle"),
	REAL(views.blur_odd, "0.1", 0, 1, SAME,
		"probability of blur in views 1, 3, ... of each size"),
	REAL(views.blur_even, "1", 0, 1, SAME, "probability of blur in views 2, 4, ..."),
	REAL(views.blur_sigma_min, "0.1", 0.01, 100, SAME,
		"smallest deviation of the blur, pixels"),
	REAL(views.blur_sigma_max, "2", 0.01, 100, SAME, "largest deviation of the blur, pixels"),
	INT(views.blur_taps, "23", 1, 63, SAME, "width of the blur's kernel, pixels; odd"),
	REAL(views.solarise_odd, "0.2", 0, 1, SAME, "probability of solarising views 1, 3, ..."),
	REAL(views.solarise_even, "0", 0, 1, SAME, "probability of solarising views 2, 4, ..."),
	WORD(views.solarise, "invert", "invert|binarise", SAME,
		"values above one half are inverted, or all become 0 or 1"),
	WORD(views.small_from, "random", "random|centre", SAME,
		"small views: crops of their own, or centres of large ones"),
	REAL(views.mask, "0.1", 0, 1, SAME,
		"probability of removing a large view's background, where there are masks"),
	REAL(views.mask_min_share, "0.05", 0, 1, SAME,
		"masks that cover less of the image are not used"),
	/* free: the paths differ by rounding, as devices do */
	BOOL(views.exact, "false", FREE,
		"views by the plain path, one operation after another: slow, to compare with; cpu "
		"only"),

	TEXT(model.arch, "resnet50",
		"resnet18|resnet34|resnet50|resnet101|resnet152|resnet200|resnet295", SAME,
		"encoder"),
	REAL(model.width, "1", 0.015625, 16, SAME, "multiplier of the encoder's channels"),
	WORD(model.stem, "imagenet", "imagenet|small", SAME,
		"7x7 stride 2 and pooling, or 3x3 for small images"),
	WORD(model.padding, "symmetric", "symmetric|same", SAME,
		"as torchvision, or as TensorFlow"),
	BOOL(model.zero_gamma, "true", SAME, "the last batch norm of each block starts at 0"),
	INT(model.hidden, "4096", 1, 65536, SAME, "hidden width of projector and predictor"),
	INT(model.out, "256", 1, 65536, SAME, "width of the embedding"),
	BOOL(model.small_stats, "false", SAME, "small views update the running statistics too"),
	REAL(model.norm_decay, "0.9", 0, 0.9999999, SAME,
		"decay of batch norm's running statistics"),
	REAL(model.norm_eps, "1e-05", 1e-12, 1, SAME, "added to the variance by batch norm"),
	WORD(model.target_init, "separate", "separate|copy", SAME,
		"the target network starts from weights of its own, or the online ones"),

	REAL(loss.temperature, "0.2", 1e-3, 1e3, SAME, "softmax temperature (tau)"),
	REAL(loss.contrast, "0.3", 0, 1e3, SAME, "weight of the contrastive term (c)"),
	REAL(loss.invariance, "2", 0, 1e3, SAME, "weight of the invariance term (lambda)"),
	INT(loss.negatives, "10", 1, 65536, SAME,
		"negatives of an image, drawn from the batch (n_e)"),
	INT(loss.small_mode, "1", 0, 4, SAME,
		"invariance of small views: 0 none, 1 they follow the large view, 2 the reverse, "
		"3 transposed, 4 they follow the other large views"),
	BOOL(loss.diagonal, "true", SAME, "pairs of a large view with its own target count"),
	WORD(loss.stop_gradient, "whole", "whole|entropy", SAME,
		"no gradient into the teacher, or none into its entropy only"),
	WORD(loss.kl, "forward", "forward|reverse", SAME, "KL(teacher || student), or the reverse"),

	REAL(optim.lr, "0.3", 0, 1e4, SAME,
		"base learning rate; the peak is this times train.batch / 256"),
	REAL(optim.warmup_epochs, "10", 0, 1e6, SAME, "epochs of linear warm-up from 0"),
	REAL(optim.momentum, "0.9", 0, 0.9999999, SAME, "momentum of LARS"),
	REAL(optim.eta, "0.001", 1e-9, 1e3, SAME, "trust coefficient of LARS"),
	REAL(optim.weight_decay, "1.5e-06", 0, 1, SAME,
		"weight decay; none for biases and batch norm"),
	REAL(optim.ema, "0.996", 0, 1, SAME, "decay of the target network's moving average"),
	WORD(optim.ema_schedule, "constant", "constant|cosine", SAME,
		"the decay stays, or rises to 1 along a cosine"),

	INT(train.batch, "4096", 2, 1048576, SAME, "images a step, over all ranks"),
	REAL(train.epochs, "1000", 0, 1e9, UPWARDS, "length of the run, when train.steps is 0"),
	LONG(train.steps, "0", 0, LAST, UPWARDS, "length of the run in steps; 0: by train.epochs"),
	LONG(train.seed, "0", 0, LAST, SAME, "every random number is a function of it"),
	LONG(train.dump_step, "-1", -1, LAST, FREE,
		"write all of this step (counted from 0) to a file; -1: none"),
	LONG(train.stop_after, "0", 0, LAST, FREE,
		"stop with a checkpoint after so many steps in all; 0: at the end"),
	WORD(train.recompute, "auto", "auto|none|outputs|views", FREE,
		"made again for the gradient, for less memory; outputs: what follows each convolution's own output, views: all of a view; auto: outputs on the cpu, none on cuda"),
	INT(train.log_every, "10", 1, 1000000, FREE, "steps between lines of metrics.jsonl"),

	INT(checkpoint.keep, "3", 1, 100000, FREE, "newest checkpoints to keep"),
	REAL(checkpoint.keep_epochs, "100", 0, 1e9, FREE,
		"and for good, one at every so many epochs; 0: none"),
	INT(checkpoint.every, "0", 0, 1000000000, FREE,
		"steps between checkpoints; 0: at the ends of epochs"),

	TEXT(run.dir, "", NULL, FREE, "folder of the run: settings, log, metrics, checkpoints"),
	BOOL(run.resume, "false", FREE, "go on with the run that is in run.dir"),
	TEXT(run.init, "", NULL, FREE,
		"safetensors file of initial encoder weights; empty: random"),
	REAL(run.stop_before_s, "60", 0, 86400, FREE,
		"seconds before the end of a Slurm job at which to stop with a checkpoint; at most a tenth of the job"),

	WORD(comm.bootstrap, "mpi", "mpi|file|tcp", FREE,
		"how ranks find each other: MPI, a file that all see, or a port of rank 0's host"),
	TEXT(comm.address, "", NULL, FREE,
		"file: its path; tcp: HOST:PORT where rank 0 listens; the same on all ranks"),
	REAL(comm.timeout_s, "1800", 1, 1e9, FREE,
		"longest wait for other ranks, seconds; then the job ends and names who is missing"),

	TEXT(device, "cpu", NULL, FREE, "what computes"),
	WORD(precision, "float32", "float32|tf32|bf16", FREE,
		"of convolutions and linear layers; cpu: float32 only"),
	WORD(convolution, "auto", "auto|direct", FREE,
		"auto: by Winograd's algorithm where it is faster, on cpu; direct: sums of products, with errors half as large"),
	INT(workspace_mib, "256", 1, 65536, FREE,
		"device memory for algorithms of convolutions and for views, MiB; cpu: not used"),
	INT(threads, "0", 0, 1024, FREE, "compute threads of a rank; 0: its share of the cores"),
};

const int config_option_count = sizeof config_options / sizeof *config_options;
