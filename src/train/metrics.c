/* Writes metrics.csv and the progress line. Owned by the training's main thread. */
#include "train/metrics.h"

#include <errno.h>
#include <string.h>

double train_flops(const struct train_shape *s, const struct train_shard *h)
{
	const double d = s->d, f = s->f, length = h->length, layers = s->layers;
	const double pictures = h->source + h->target - 1;
	double products = length * layers * (4 * d * d + 3 * d * f) +
			  pictures * d * (d + s->embed) + h->target * d * (d + s->codes);
	/* Attention: two products of half a square; each has two more backward. */
	return 6 * products + 6 * layers * length * length * d;
}

bool train_metrics_init(struct train_metrics *m, const char *path, const struct train_data *d,
			const struct train_state *t, struct err *e)
{
	m->csv = fopen(path, "ae");
	if (!m->csv)
		return err_set(e, ERR_IO, "cannot write %s: %s", path, strerror(errno));
	m->data = d;
	m->shards = d->count;
	m->seconds = t->seconds;
	if (ftell(m->csv) == 0) {
		fprintf(m->csv, "step,samples,seconds,lr,norm,samples_per_s,tflops,loss");
		for (size_t i = 0; i < d->count; i++)
			fprintf(m->csv, ",loss_%s", d->shards[i].name);
		fprintf(m->csv, "\n");
	}
	return true;
}

void train_metrics_finish(struct train_metrics *m)
{
	if (m->csv)
		fclose(m->csv);
	m->csv = NULL;
}

void train_metrics_add(struct train_metrics *m, int shard, double loss)
{
	m->loss[shard] += loss;
	m->samples[shard]++;
	m->flops += train_flops(&m->data->shape, &m->data->shards[shard]);
}

void train_metrics_step(struct train_metrics *m, double norm, double rate)
{
	m->norm = norm;
	m->rate = rate;
}

static void print_left(double seconds)
{
	if (seconds >= 0 && seconds < 1e7)
		fprintf(stderr, "  %d:%02d:%02d left", (int)seconds / 3600, (int)seconds / 60 % 60,
			(int)seconds % 60);
	fprintf(stderr, "\n");
}

bool train_metrics_write(struct train_metrics *m, const struct train_state *t, double progress,
			 struct err *e)
{
	double loss = 0, samples = 0, seconds = t->seconds - m->seconds;
	for (size_t i = 0; i < m->shards; i++) {
		loss += m->loss[i];
		samples += (double)m->samples[i];
	}
	if (seconds <= 0)
		seconds = 1e-9;
	const double speed = samples / seconds, tflops = m->flops / seconds * 1e-12;
	fprintf(m->csv, "%llu,%llu,%.1f,%.6g,%.4g,%.2f,%.3f,%.5f", (unsigned long long)t->step,
		(unsigned long long)t->samples, t->seconds, m->rate, m->norm, speed, tflops,
		samples > 0 ? loss / samples : 0);
	for (size_t i = 0; i < m->shards; i++) {
		fprintf(m->csv, ",");
		if (m->samples[i])
			fprintf(m->csv, "%.5f", m->loss[i] / (double)m->samples[i]);
	}
	fprintf(m->csv, "\n");
	if (fflush(m->csv) != 0)
		return err_set(e, ERR_IO, "cannot write the metrics: %s", strerror(errno));
	fprintf(stderr,
		"step %llu  loss %.4f  norm %.3g  lr %.3g  %.1f samples/s  %.2f TFLOPS  %.1f%%",
		(unsigned long long)t->step, samples > 0 ? loss / samples : 0, m->norm, m->rate,
		speed, tflops, 100 * progress);
	if (!m->begun) {
		m->begun = true;
		m->begin_progress = progress;
		m->begin_seconds = t->seconds;
	}
	print_left(progress > m->begin_progress ? (t->seconds - m->begin_seconds) * (1 - progress) /
						      (progress - m->begin_progress)
						: -1);
	memset(m->loss, 0, sizeof(m->loss));
	memset(m->samples, 0, sizeof(m->samples));
	m->flops = 0;
	m->seconds = t->seconds;
	return true;
}
