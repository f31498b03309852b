// Package feature holds numbers with names and units: a [Column] says what a
// number is, a [Schema] is an ordered set of columns, a [Vector] describes one
// plaque, a [Table] many.
package feature
